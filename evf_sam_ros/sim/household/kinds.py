"""Every kind of thing in the household: how it is made, what people call it, its colours."""

from dataclasses import dataclass

import numpy as np

from evf_sam_ros.sim.household import (
    belongings,
    containers,
    cookware,
    dishes,
    food,
    hand_tools,
    packages,
    toys,
)
from evf_sam_ros.sim.household.things import Make, Thing
from evf_sam_ros.sim.palette import COLORS

ALL = tuple(COLORS)
METAL = ("silver",)
POTS = ("silver", "black", "red", "blue", "green", "white")
WOODEN = ("brown",)


@dataclass(frozen=True)
class Sort:
    """One kind of thing."""

    make: Make
    names: tuple[str, ...]  # everyday names; each belongs to this kind alone
    colors: tuple[str, ...] = ALL  # that its main paint may have
    lies: bool = False  # it may lie on its side


# By the name that the tables of figures use. Hypernyms are in `GROUPS`.
SORTS: dict[str, Sort] = {
    "mug": Sort(dishes.mug, ("mug", "coffee mug")),
    "teacup": Sort(dishes.teacup, ("teacup", "cup and saucer")),
    "paper cup": Sort(dishes.paper_cup, ("paper cup", "takeaway cup"), lies=True),
    "tumbler": Sort(dishes.glass, ("tumbler", "drinking glass", "water glass"), ("clear",)),
    "wine glass": Sort(dishes.wine_glass, ("wine glass", "goblet"), ("clear",)),
    "bowl": Sort(dishes.bowl, ("bowl",)),
    "plate": Sort(dishes.plate, ("plate", "dinner plate")),
    "jug": Sort(dishes.jug, ("jug", "pitcher")),
    "frying pan": Sort(cookware.frying_pan, ("frying pan", "pan", "skillet"), POTS),
    "saucepan": Sort(cookware.saucepan, ("saucepan", "pot", "cooking pot"), POTS),
    "kettle": Sort(cookware.kettle, ("kettle", "tea kettle"), (*POTS, "yellow")),
    "teapot": Sort(cookware.teapot, ("teapot",)),
    "cutting board": Sort(
        cookware.cutting_board,
        ("cutting board", "chopping board"),
        ("brown", "white", "green", "blue", "red"),
    ),
    "rolling pin": Sort(cookware.rolling_pin, ("rolling pin",), WOODEN),
    "spatula": Sort(cookware.spatula, ("spatula", "turner"), ("black", "silver", "red", "blue")),
    "whisk": Sort(cookware.whisk, ("whisk", "egg beater")),
    "salt shaker": Sort(cookware.salt_shaker, ("salt shaker", "shaker", "pepper shaker")),
    "toaster": Sort(cookware.toaster, ("toaster",), POTS),
    "can": Sort(packages.can, ("can", "tin can", "food can"), lies=True),
    "carton": Sort(packages.carton, ("carton", "milk carton", "juice carton")),
    "cereal box": Sort(packages.cereal_box, ("cereal box", "box of cereal"), lies=True),
    "packet": Sort(packages.small_box, ("packet", "small package", "package")),
    "cardboard box": Sort(packages.cardboard_box, ("cardboard box", "parcel"), WOODEN),
    "water bottle": Sort(packages.water_bottle, ("water bottle", "drink bottle"), lies=True),
    "wine bottle": Sort(
        packages.wine_bottle,
        ("wine bottle", "bottle of wine"),
        ("green", "black", "brown"),
        lies=True,
    ),
    "squeeze bottle": Sort(
        packages.squeeze_bottle, ("squeeze bottle", "sauce bottle", "ketchup bottle"), lies=True
    ),
    "spray bottle": Sort(packages.spray_bottle, ("spray bottle", "spray", "cleaner")),
    "jar": Sort(packages.jar, ("jar", "jam jar")),
    "tube": Sort(packages.tube, ("tube", "toothpaste", "tube of toothpaste")),
    "soap dispenser": Sort(packages.soap_dispenser, ("soap dispenser", "soap", "pump bottle")),
    "toilet roll": Sort(
        packages.toilet_roll,
        ("toilet roll", "roll of toilet paper", "toilet paper"),
        ("white", "pink"),
        lies=True,
    ),
    "egg carton": Sort(
        packages.egg_carton, ("egg carton", "carton of eggs", "egg box"), ("brown", "pink", "blue")
    ),
    "apple": Sort(food.apple, ("apple",), ("red", "green", "yellow")),
    "pear": Sort(food.pear, ("pear",), ("green", "yellow")),
    "lemon": Sort(food.lemon, ("lemon",), ("yellow",)),
    "banana": Sort(food.banana, ("banana",), ("yellow",)),
    "grapes": Sort(food.grapes, ("bunch of grapes", "grapes"), ("purple", "green")),
    "carrot": Sort(food.carrot, ("carrot",), ("orange",)),
    "eggplant": Sort(food.eggplant, ("eggplant", "aubergine"), ("purple",)),
    "broccoli": Sort(food.broccoli, ("head of broccoli", "broccoli"), ("green",)),
    "tomato": Sort(food.tomato, ("tomato",), ("red",)),
    "mushroom": Sort(food.mushroom, ("mushroom",), ("white", "brown", "red")),
    "bread": Sort(food.bread, ("loaf of bread", "bread", "loaf"), WOODEN),
    "cheese": Sort(food.cheese, ("piece of cheese", "cheese", "wedge of cheese"), ("yellow",)),
    "egg": Sort(food.egg, ("egg",), ("white", "brown")),
    "fork": Sort(hand_tools.fork, ("fork",), METAL),
    "spoon": Sort(hand_tools.spoon, ("spoon",), (*METAL, "brown", "red", "blue")),
    "knife": Sort(
        hand_tools.knife, ("knife", "kitchen knife"), ("black", "brown", "red", "white")
    ),
    "scissors": Sort(hand_tools.scissors, ("pair of scissors", "scissors")),
    "screwdriver": Sort(hand_tools.screwdriver, ("screwdriver",)),
    "hammer": Sort(hand_tools.hammer, ("hammer",), ("brown", "red", "yellow", "black", "blue")),
    "wrench": Sort(hand_tools.wrench, ("wrench", "spanner"), (*METAL, "black", "red")),
    "pliers": Sort(
        hand_tools.pliers, ("pair of pliers", "pliers"), ("red", "blue", "yellow", "green")
    ),
    "tape": Sort(hand_tools.tape, ("roll of tape", "tape", "tape roll")),
    "scrubbing brush": Sort(hand_tools.brush, ("scrubbing brush", "cleaning brush", "dish brush")),
    "toothbrush": Sort(hand_tools.toothbrush, ("toothbrush",)),
    "paintbrush": Sort(hand_tools.paintbrush, ("paintbrush", "paint brush")),
    "pen": Sort(hand_tools.pen, ("pen", "marker", "felt pen")),
    "keys": Sort(hand_tools.keys, ("bunch of keys", "keys", "set of keys")),
    "book": Sort(belongings.book, ("book", "paperback", "novel")),
    "remote": Sort(
        belongings.remote, ("remote", "remote control", "tv remote"), ("black", "white", "silver")
    ),
    "phone": Sort(belongings.phone, ("phone", "mobile phone", "smartphone")),
    "alarm clock": Sort(belongings.alarm_clock, ("alarm clock", "clock")),
    "lamp": Sort(belongings.lamp, ("lamp", "table lamp", "desk lamp")),
    "candle": Sort(belongings.candle, ("candle",)),
    "light bulb": Sort(belongings.light_bulb, ("light bulb", "bulb"), ("white", "yellow")),
    "shoe": Sort(belongings.shoe, ("shoe", "sneaker", "trainer")),
    "handbag": Sort(belongings.handbag, ("handbag", "purse")),
    "paper bag": Sort(belongings.paper_bag, ("paper bag", "shopping bag")),
    "cap": Sort(belongings.cap, ("cap", "hat", "baseball cap")),
    "headphones": Sort(belongings.headphones, ("pair of headphones", "headphones")),
    "eyeglasses": Sort(
        belongings.eyeglasses,
        ("pair of eyeglasses", "eyeglasses", "spectacles"),
        ("black", "red", "blue", "brown"),
    ),
    "wallet": Sort(
        belongings.wallet, ("wallet", "billfold"), ("brown", "black", "red", "blue", "pink")
    ),
    "laptop": Sort(
        belongings.laptop,
        ("laptop", "notebook computer", "computer"),
        ("silver", "black", "white"),
    ),
    "sponge": Sort(
        belongings.sponge, ("sponge", "dish sponge"), ("yellow", "blue", "pink", "orange")
    ),
    "basket": Sort(containers.basket, ("basket", "wicker basket"), ("brown", "white", "black")),
    "tray": Sort(containers.tray, ("tray", "serving tray")),
    "bucket": Sort(containers.bucket, ("bucket", "pail")),
    "vase": Sort(containers.vase, ("vase", "flower vase", "vase of flowers")),
    "plant": Sort(containers.plant, ("plant", "potted plant", "pot plant", "houseplant")),
    "watering can": Sort(containers.watering_can, ("watering can",)),
    "cabinet": Sort(
        containers.cabinet,
        ("cabinet", "chest of drawers", "drawers"),
        ("brown", "white", "black", "blue", "green"),
    ),
    "tissue box": Sort(containers.tissue_box, ("tissue box", "box of tissues", "tissues")),
    "toy car": Sort(toys.car, ("toy car", "car")),
    "teddy bear": Sort(
        toys.teddy_bear,
        ("teddy bear", "teddy", "stuffed bear"),
        ("brown", "white", "pink", "black", "blue"),
    ),
    "rubber duck": Sort(
        toys.duck, ("rubber duck", "duck", "bath duck"), ("yellow", "pink", "blue")
    ),
    "toy train": Sort(toys.train, ("toy train", "train", "engine")),
    "ball": Sort(toys.ball, ("ball", "toy ball")),
}

# Hypernyms and their kinds; a sentence with one fits all of these.
GROUPS: dict[str, frozenset[str]] = {
    "cup": frozenset({"mug", "teacup", "paper cup"}),
    "glass": frozenset({"tumbler", "wine glass"}),
    "dish": frozenset({"bowl", "plate"}),
    "bottle": frozenset({"water bottle", "wine bottle", "squeeze bottle", "spray bottle"}),
    "box": frozenset({"cereal box", "packet", "cardboard box", "tissue box"}),
    "fruit": frozenset({"apple", "pear", "lemon", "banana", "grapes"}),
    "vegetable": frozenset({"carrot", "eggplant", "broccoli", "tomato", "mushroom"}),
    "utensil": frozenset({"fork", "spoon", "knife", "spatula", "whisk"}),
    "tool": frozenset({"screwdriver", "hammer", "wrench", "pliers"}),
    "brush": frozenset({"scrubbing brush", "toothbrush", "paintbrush"}),
    "bag": frozenset({"handbag", "paper bag"}),
    "device": frozenset({"remote", "phone", "laptop", "headphones"}),
    "toy": frozenset({"toy car", "teddy bear", "rubber duck", "toy train", "ball"}),
}
STRETCH = (0.92, 1.1)  # of each axis: no two specimens have one shape
UNNAMED = "unnamed"  # kind of the distractors, which no noun means but "thing" and "object"


def specimen(kind: str, rng: np.random.Generator) -> Thing:
    """Make one thing of a kind.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in SORTS:
        raise ValueError(f"kind is {kind!r}, need one of {', '.join(SORTS)}")
    return SORTS[kind].make(rng).stretched(*rng.uniform(*STRETCH, 3).tolist())
