"""Names of things that are almost surely not in a picture: a bank of questions to be refused."""

_NAMES = """
aardvark, abacus, accordion, aircraft carrier, alligator, altar, ambulance, anchor, ant hill,
antelope, anvil, aqueduct, armadillo, armoured knight, astronaut, bagpipes, ballerina, bald
eagle, banjo, barn owl, baseball stadium, bassoon, bat, beaver, beehive, bison, black panther,
blast furnace, blimp, boa constrictor, bobsleigh, bowling alley, bulldozer, bullfighter,
butterfly net, cable car, cactus, camel, campfire, cannon, canoe, cape buffalo, caravan, cargo
ship, carousel, castle, cathedral, catamaran, cello, chameleon, chariot, cheetah, chimpanzee,
church bell, circus tent, clarinet, clown, cobra, cockatoo, combine harvester, concrete mixer,
coral reef, crab, crane fly, cricket bat, crocodile, crossbow, crown, cruise ship, dairy cow,
dalmatian, deck chair, deer, dinosaur skeleton, diving bell, diving board, dolphin, donkey,
dragon boat, dragonfly, drawbridge, dromedary, drum kit, eagle, earthworm, elephant, elk, emu,
excavator, falcon, ferris wheel, ferry, field gun, fighter jet, fire engine, fire hydrant,
fishing boat, flamingo, flute, forklift, fountain, fox, french horn, frog, galleon, gargoyle,
gazelle, gibbon, giraffe, glacier, goat, golf cart, gondola, goose, gorilla, gramophone, grand
piano, grasshopper, greenhouse, grizzly bear, guillotine, hammock, hang glider, harp, harpoon,
hay bale, hedgehog, helicopter, heron, hippopotamus, hockey goal, hornet, horse, hot air
balloon, hovercraft, hummingbird, hyena, ice rink, iceberg, igloo, iguana, jaguar, jellyfish,
jet ski, kangaroo, kayak, killer whale, kite, koala, ladybird, lawn mower, lemur, leopard,
lifeboat, lighthouse, lion, lizard, llama, lobster, locomotive, log cabin, lynx, macaw, mammoth,
manta ray, marching band, meerkat, merry-go-round, minaret, mole hill, mongoose, monk, moose,
mosque, motorboat, mountain goat, mummy, narwhal, nun, obelisk, octopus, oil rig, okapi, opera
house, orangutan, orca, organ pipes, ostrich, otter, oyster, ox cart, pagoda, palm tree,
parachute, parrot, peacock, pelican, penguin, pheasant, pirate ship, platypus, polar bear,
police car, porcupine, power station, praying mantis, puffin, pyramid, python, quadbike, racing
car, racoon, railway bridge, rattlesnake, raven, reindeer, rhinoceros, rickshaw, roller coaster,
rowing boat, runway, saddle, sailing boat, sand castle, sarcophagus, saxophone, scarecrow,
school bus, scorpion, sea lion, seahorse, shark, sheep, shipwreck, ski jump, skunk, sleigh,
sloth, snow plough, snowman, space shuttle, sphinx, squid, squirrel, stag beetle, stagecoach,
starfish, steam engine, stork, street organ, submarine, suit of armour, sumo wrestler, sundial,
surfboard, swan, swimming pool, sword fish, tank, tapir, taxi, telegraph pole, tennis court,
termite mound, tiger, toboggan, tortoise, totem pole, tractor, traffic light, tram, trapeze,
treadmill, treasure chest, trombone, trumpet, tuba, tugboat, tumbleweed, turkey, turtle,
unicorn, unicycle, viaduct, violin, volcano, vulture, walrus, warthog, wasp nest, water wheel,
waterfall, watermill, weather vane, whale, wheelbarrow, wigwam, wild boar, windmill, witch,
wolf, wolverine, wombat, woodpecker, yacht, yak, yurt, zebra, zeppelin
"""
NAMES = tuple(" ".join(name.split()) for name in _NAMES.split(","))
# For a model of few words, which knows none of those: most pairs are not in a given picture.
COLORS = (
    "red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "black", "white",
)  # fmt: skip
THINGS = (
    "box", "ball", "cylinder", "cone", "capsule", "mug", "bowl", "bottle", "plate", "can", "vase",
)  # fmt: skip
