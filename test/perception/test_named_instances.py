"""Objects that a model tells apart itself, from its queries to a judgement."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_judgement import LEFT, RIGHT, SIZE, answer_with, judged
from tiny_instancevg import CONFIG, noisy, write_released

from evf_sam_ros.models.segmenter import Instances
from evf_sam_ros.perception.judgement import Status
from evf_sam_ros.perception.named_instances import divided, named_objects
from evf_sam_ros.perception.predictor import load_predictor

IMAGE = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)
# Between the scores of the small model, so that it finds something and something not.
CHOOSY = replace(CONFIG, segmenter=replace(CONFIG.segmenter, score_threshold=0.2))
PROMPTS = ["the red mug", "the mug left", "mugs", "the blue bowl"]


def row(*values):
    return np.array([values], np.float32)


def drawn(*boxes):
    mask = np.zeros(SIZE, bool)
    for x, y, width, height in boxes:
        mask[y : y + height, x : x + width] = True
    return mask


def test_each_object_has_its_own_pixels_and_together_they_are_the_mask():
    mask = np.array([[True, True, True, True, False]])
    left, right = row(5, 5, -1, -9, -9), row(-9, -9, -2, 5, 5)
    objects = divided(mask, np.stack([left, right]))
    # Nobody claims the third pixel; the left query comes closest. The fifth is not in the mask.
    assert [each[0].tolist() for each in objects] == [
        [True, True, True, False, False],
        [False, False, False, True, False],
    ]


def test_two_queries_of_one_object_are_one_and_touching_objects_stay_two():
    wide, narrow = row(5, 5, 5, 5, 5), row(5, 5, 5, 5, -5)
    assert len(divided(np.ones((1, 5), bool), np.stack([wide, narrow]))) == 1  # IoU 4/5
    less = row(5, 5, 5, -5, -5)
    assert len(divided(np.ones((1, 5), bool), np.stack([wide, less]))) == 2  # IoU 3/5


def test_selected_queries_are_told_by_their_score_and_others_not_at_all():
    logits = torch.full((1, 1, 3, 1, 4), -1.0)
    logits[0, 0, 0, 0, 0] = logits[0, 0, 1, 0, 1] = logits[0, 0, 2, 0, 2] = 1.0
    instances = Instances(
        logits=logits,
        scores=torch.tensor([[[0.8, 0.2, 0.9]]]),
        is_selected=torch.tensor([[[True, False, True]]]),
    )
    mask = np.array([[[True, False, True, False]]])
    (objects,) = named_objects(instances, 0, mask, lambda each: each)
    assert [each[0].tolist() for each in objects] == [
        [False, False, True, False],
        [True, False, False, False],
    ]


def test_a_model_that_names_none_gives_none():
    assert named_objects(None, 0, np.ones((1, 1, 1), bool), lambda each: each) is None


def test_a_sentence_for_one_with_two_touching_objects_is_ambiguous():
    halves = drawn((5, 5, 10, 10)), drawn((15, 5, 10, 10))  # one part of the mask, two objects
    answer = answer_with((5, 5, 20, 10), instances=(halves,))
    judgement = judged(answer)
    assert judgement.status is Status.AMBIGUOUS
    assert judgement.message == "2 red mugs: the left one, the right one; say which"
    assert judged(answer, "the red mugs").status is Status.FOUND
    assert judged(replace(answer, instances=None)).status is Status.FOUND


def test_one_object_in_two_parts_is_one_where_the_model_says_so():
    answer = answer_with(LEFT, RIGHT, instances=((drawn(LEFT, RIGHT),),))
    assert judged(answer).status is Status.FOUND
    assert judged(replace(answer, instances=None)).status is Status.AMBIGUOUS


def test_an_object_below_the_least_area_does_not_count():
    answer = answer_with(LEFT, RIGHT, instances=((drawn(LEFT), drawn((50, 6, 2, 1))),))
    assert judged(answer).status is Status.FOUND


def test_a_doubtful_answer_has_the_models_own_objects():
    answer = answer_with(LEFT, RIGHT, found=False, instances=((drawn(LEFT, RIGHT),),))
    doubtful = replace(answer, scores=np.array([0.65], np.float32))
    judgement = judged(doubtful, threshold=0.7)
    assert judgement.status is Status.LOW_CONFIDENCE
    assert len(judgement.parts) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_released(tmp_path_factory.mktemp("instancevg"), config=CHOOSY)


@pytest.fixture(scope="module")
def predict(folder):
    return load_predictor(folder, device="cpu", engine="torch")


def test_a_prompt_is_answered_as_if_it_were_alone(predict):
    together = predict(IMAGE, PROMPTS)
    for index, prompt in enumerate(PROMPTS):
        alone = predict(IMAGE, [prompt])
        np.testing.assert_allclose(together.scores[index], alone.scores[0], atol=1e-5)
        assert (together.proposed[index] != alone.proposed[0]).mean() < 1e-3


def test_found_is_a_score_above_the_authors_threshold(predict):
    answer = predict(IMAGE, PROMPTS)
    assert predict.score_threshold == CHOOSY.segmenter.score_threshold
    assert not predict.calibrated
    np.testing.assert_allclose(answer.scores, answer.predicted_iou, atol=1e-6)
    above = answer.predicted_iou > CHOOSY.segmenter.score_threshold
    assert answer.found.tolist() == (above & answer.proposed.any((1, 2))).tolist()


def test_nothing_is_found_where_no_query_is_selected_though_the_global_mask_is_not_empty(
    tmp_path,
):
    config = replace(CONFIG, segmenter=replace(CONFIG.segmenter, score_threshold=0.999))
    model = noisy(config=config)
    torch.nn.init.constant_(model.segmenter.mask.bias, 1e3)
    answer = load_predictor(write_released(tmp_path, model, config))(IMAGE, PROMPTS[:1])
    assert answer.proposed.all()
    assert not answer.found.any()
    assert not answer.masks.any()
    assert answer.instances == ((),)


def test_objects_together_are_the_mask(predict):
    answer = predict(IMAGE, PROMPTS)
    named = [objects for objects in answer.instances if objects]
    assert named  # else this shows nothing
    for mask, objects in zip(answer.proposed, answer.instances, strict=True):
        if objects:
            assert np.array_equal(np.logical_or.reduce(objects), mask)


def test_a_threshold_of_the_user_wins(folder):
    answer = load_predictor(folder, score_threshold=1.0)(IMAGE, PROMPTS)
    assert not answer.found.any()


@pytest.mark.parametrize("prompt", ["[semantic] mug", " [mug] the red one", "[]mug"])
def test_the_name_of_a_task_before_a_prompt_is_refused(predict, prompt):
    with pytest.raises(ValueError, match=r"starts with \[.*trained for"):
        predict(IMAGE, [prompt])


def test_a_missing_tokenizer_is_named(folder, tmp_path):
    for name in ("config.json", "pytorch_model.bin"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(ValueError, match="holds no tokenizer, need one of"):
        load_predictor(tmp_path)


def test_the_picture_of_attention_is_where_the_queries_start(predict):
    answer = predict(IMAGE, PROMPTS[:2], attention=True)
    assert answer.attention.shape == (2, 4, 4)
    np.testing.assert_allclose(answer.attention.sum((1, 2)), 1, atol=1e-5)
    assert not np.allclose(answer.attention[0], answer.attention[1])
