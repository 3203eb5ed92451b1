"""The papers' tables as copied, sentence types, costs."""

import pytest
from tiny_model import ALWAYS, CONFIG, write_tiny_model

from evf_sam_ros.evaluation import cost, dataset_report, papers
from evf_sam_ros.evaluation.sentence_types import length_group, sentence_type
from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception.predictor import load_predictor

TABLES = (papers.EVF_SAM_TABLE_2, papers.EVF_SAM_TABLE_3, papers.EVF_SAM_TABLE_6)


@pytest.mark.parametrize("table", TABLES)
def test_the_averages_that_the_paper_prints_are_those_of_the_numbers_copied(table):
    rows = [row for row in papers.parse(table) if papers.AVERAGE in row[1]]
    assert rows
    for method, values in rows:
        if len(values) == 9:
            # Rounded to one digit, from numbers rounded to one digit.
            assert papers.average(values) == pytest.approx(values[papers.AVERAGE], abs=0.11), (
                method
            )


def test_an_average_of_less_than_the_eight_splits_is_none():
    assert papers.average({"refcoco/val": 0.8}) is None
    assert papers.average(dict.fromkeys(papers.RES_SPLITS, 0.5)) == 0.5


def test_what_the_papers_report_on_a_split_is_found_by_method():
    rows = {(row.source, row.method): row.figures for row in papers.reported("refcocog/test")}
    assert rows["EVF-SAM, table 2", "EVF-SAM (with more data)"] == {"ciou": 78.3}
    assert rows["Ito, supplement, table 3", "Ito"] == {"ciou": 67.08, "miou": 70.34}
    assert rows["Ito, supplement, table 4", "Ito"]["pr@0.9"] == 34.57
    assert papers.reported("own/data") == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("the man", "name"), ("red mug", "attribute"), ("mug on the left", "place"),
        ("the mug next to the bowl", "relation"), ("second mug from the left", "relation"),
        ("the second mug", "ordinal"), ("guy in the middle", "place"),
        ("mug in front of the bowl", "relation"), ("Left, Mug", "place"),
    ],
)  # fmt: skip
def test_sentences_are_sorted_by_their_words(text, kind):
    assert sentence_type(text) == kind


def test_lengths_sort_as_they_are_named():
    groups = [length_group(" ".join(["word"] * count)) for count in range(1, 26)]
    assert groups == sorted(groups)
    assert {group.strip() for group in groups} >= {"1", "4-5", "21+"}


def test_a_group_without_any_target_has_no_overlap_to_report():
    values = {"sentences": 2, "ciou": 0.0, "miou": 0.5, "giou_gres": 0.5}
    values |= {"pr@0.5": None, "n_acc": 0.5, "t_acc": None}
    values |= {"point_acc": None, "centroid_median_mm": None}
    figures = {"by_kind": {"no target": values}, "by_type": {}, "by_length": {}}
    _, table = dataset_report.groups(figures)
    assert table.rows == (("no target", "2", "-", "0.5000", "0.5000", "-", "0.5000", "-", "-"),)


def test_parameters_are_those_of_the_model_that_answers(tmp_path):
    predict = load_predictor(write_tiny_model(tmp_path, ALWAYS), device="cpu")
    parameters = cost.parameters(predict.config)
    parts = sum(parameters[name] for name in ("encoder", "projector", "segmenter"))
    assert parameters["total"] == pytest.approx(parts)
    weights = sum(weight.numel() for weight in predict.model.parameters())
    assert parameters["total"] == pytest.approx(weights / 1e6)


def test_operations_of_the_projector_are_its_two_products():
    found = cost.operations(CONFIG)
    width, prompt = CONFIG.encoder.width, CONFIG.segmenter.trunk[-1]
    projector = 2 * (width * width + width * prompt) / 1e9
    assert found["projector and mask decoder"] > projector
    parts = sum(value for name, value in found.items() if name != "all")
    assert parts == pytest.approx(found["all"])


def test_operations_of_the_published_base_model_are_those_of_its_transformer():
    found = cost.operations(VARIANTS["evf_effisam_b"])
    # BEIT-3 Base: 12 layers of width 768 on 197 + 8 tokens; per layer 4 projections, two products
    # of attention and a feed forward of 4 * 768; and the patch embedding.
    tokens, width = 197 + 8, 768
    layer = 2 * tokens * (4 * width**2 + 8 * width**2) + 2 * 2 * tokens**2 * width
    patches = 2 * 196 * (3 * 16 * 16) * width
    assert found["encoder"] == pytest.approx((12 * layer + patches) / 1e9, rel=0.01)
