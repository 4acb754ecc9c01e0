from grafana.preview.style import COLOURS, palette, shades


def test_shades_differ_and_one_is_the_colour() -> None:
    assert shades("#0072B2", 1) == ["#0072B2"]
    assert len(set(shades("#0072B2", 5))) == 5


def test_palette_begins_again() -> None:
    assert palette(9) == [*COLOURS, COLOURS[0]]
