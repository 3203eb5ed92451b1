"""The table of models."""

from dataclasses import replace

from evf_sam_ros.models.variants import VARIANTS
from evf_sam_ros.perception import model_catalogue
from evf_sam_ros.perception.licences import condition_of, licence_of
from evf_sam_ros.perception.model_catalogue import GIB, Entry, Memory, entries, table

SMALL = Entry(name="small", parameters=1, needs=2 * GIB, sources=())


def test_a_model_fits_where_there_is_memory():
    assert SMALL.fits(Memory(cpu=4 * GIB, gpu=0)) == "cpu"
    assert SMALL.fits(Memory(cpu=4 * GIB, gpu=8 * GIB)) == "cpu+gpu"
    assert SMALL.fits(Memory(cpu=GIB, gpu=8 * GIB)) == "gpu"
    assert SMALL.fits(Memory(cpu=GIB, gpu=0)) == "no"
    assert replace(SMALL, needs=0).fits(Memory(cpu=GIB, gpu=0)) == "cpu", "there is no GPU"


def test_every_model_is_listed_the_default_first():
    listed = list(entries())
    assert {entry.name for entry in listed} == set(VARIANTS)
    assert listed[0].name == "tabletop"
    assert all(entry.needs > 4 * entry.parameters for entry in listed)


def test_a_model_that_was_downloaded_is_marked(monkeypatch, tmp_path):
    monkeypatch.setattr(
        model_catalogue.hub, "cached", lambda model: tmp_path if "sam2" in model else None
    )
    lines = table(Memory(cpu=3 * GIB, gpu=0)).splitlines()
    row = next(line for line in lines if line.startswith("evf_sam2 "))
    assert "YxZhang/evf-sam2 (downloaded)" in row
    assert not any("(downloaded)" in line for line in lines if line.startswith("evf_sam "))
    assert "3.0 GiB of memory, no GPU" in lines[-4]


def test_every_model_says_whether_its_weights_may_be_used_commercially(monkeypatch):
    monkeypatch.setattr(model_catalogue.hub, "cached", lambda model: None)
    rows = {line.split()[0]: line for line in table(Memory(cpu=GIB, gpu=0)).splitlines() if line}
    assert "Apache-2.0    yes" in rows["tabletop"]
    assert "Apache-2.0    yes         Dmmm997/InstanceVG (by hand)" in rows["instancevg_b"]
    assert "CC BY-NC 4.0  no          Dmmm997/DeRIS (by hand)" in rows["deris_l"]
    assert rows["evf_effisam_b"].endswith("-             -           -")
    # What the catalogue calls non-commercial, the start of the program warns of, and no other.
    for name, config in VARIANTS.items():
        assert bool(condition_of(config)) == (licence_of(name).is_commercial is False)


def test_the_memory_of_this_machine_is_read():
    memory = model_catalogue.this_machine()
    assert memory.cpu > GIB / 8
    assert memory.gpu >= 0
