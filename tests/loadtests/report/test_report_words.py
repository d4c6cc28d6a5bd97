from loadtests.report import words


def test_foreign_text_becomes_one_printable_line() -> None:
    assert words.plain("a\n\tb\x1b[31mred\u202e") == "a b [31mred"


def test_times_are_written_for_people() -> None:
    assert words.moment("2031-03-05T12:13:07+00:00") == "5 March 2031, 12:13 UTC"
    assert words.moment("yesterday\n") == "yesterday"


def test_an_objective_has_room_between_its_parts() -> None:
    assert words.objective("p99=25ms,errors=0.1%") == "p99=25ms, errors=0.1%"
