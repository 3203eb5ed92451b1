"""A report as text."""

from typing import Any

from benchmarks.timing.goals import verdicts

Report = dict[str, Any]


def text(report: Report) -> str:
    """Return the machine, its ceilings, every figure, what failed, and the goals."""
    parts = [_head(report), _steps(report), _lengths(report), _memory(report), _failures(report)]
    return "\n\n".join("\n".join(lines) for lines in (*parts, _goals(report)) if lines)


def _head(report: Report) -> list[str]:
    lines = [" | ".join(f"{key} {value}" for key, value in report["machine"].items())]
    for precision, peak in report["ceilings"].items():
        lines.append(
            f"ceilings {precision}: matrix product {peak['gflop_per_s']:.0f} GFLOP/s, "
            f"copy {peak['gbyte_per_s']:.1f} GB/s"
        )
    return lines


def _table(*rows: list[str]) -> list[str]:
    head, *rest = (f"| {' | '.join(cells)} |" for cells in rows)
    return [head, f"|{' --- |' * len(rows[0])}", *rest]


def _steps(report: Report) -> list[str]:
    head = [
        "variant", "precision", "step", "prompts", "engine", "error", "CPU ms",
        "wall ms (p10-p90)", "events ms", "plain / this", "of the product",
    ]  # fmt: skip
    plain = {_place(row): row for row in report["rows"] if row["engine"] == "plain"}
    return _table(head, *(_row(row, plain.get(_place(row))) for row in report["rows"]))


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("variant", "precision", "step", "prompts"))


def _row(row: dict[str, Any], plain: dict[str, Any] | None) -> list[str]:
    start = [*map(str, _place(row)), row["engine"], f"{row['error']:.0e}"]
    if not row["passed"]:
        return [*start, "other answers: no figure", *4 * ["-"]]
    if row["compiled"]:
        return [*start, f"compiled {row['compiled']} times meanwhile: no figure", *4 * ["-"]]
    events = "-" if row["events_ms"] is None else f"{row['events_ms']:.2f}"
    return [
        *start,
        f"{row['cpu_ms']:.1f}",
        f"{row['wall_ms']:.2f} ({row['p10_ms']:.2f}-{row['p90_ms']:.2f})",
        events,
        _ratio(plain, row),
        f"{row['gemm_share']:.0%}",
    ]


def _ratio(plain: dict[str, Any] | None, row: dict[str, Any]) -> str:
    if plain is None or not plain["rounds_ms"]:
        return "-"
    return f"{min(a / b for a, b in zip(plain['rounds_ms'], row['rounds_ms'], strict=True)):.2f}"


def _lengths(report: Report) -> list[str]:
    if not report["lengths"]:
        return []
    head = ["variant", "precision", "engine", "tokens", "fastest ms", "slowest ms", "compiled"]
    return _table(head, *(
        [
            each["variant"], each["precision"], each["engine"], f"1 to {each['lengths']}",
            f"{each['fastest_ms']:.2f}", f"{each['slowest_ms']:.2f}", str(each["compiled"]),
        ]
        for each in report["lengths"]
    ))  # fmt: skip


def _memory(report: Report) -> list[str]:
    if not report["memory"]:
        return []
    head = ["variant", "precision", "engine", "weights GB", "while loading", "while answering"]
    return _table(head, *(
        [
            each["variant"], each["precision"], each["engine"],
            *(f"{each[key]:.2f}" for key in ("weights_gb", "loading_gb", "answering_gb")),
        ]
        for each in report["memory"]
    ))  # fmt: skip


def _failures(report: Report) -> list[str]:
    notes = {f"{row['engine']}: {row['note']}" for row in report["rows"] if row["note"]}
    return [
        *(
            f"failed: {each['variant']} {each['precision']} {each['engine']}: {each['reason']}"
            for each in report["failures"]
        ),
        *sorted(notes),
    ]


def _goals(report: Report) -> list[str]:
    head = ["goal", "of", "figure", "wanted", "verdict"]
    return _table(head, *(
        [each.goal, each.about, each.figure, each.wanted, each.verdict]
        for each in verdicts(report)
    ))  # fmt: skip
