"""``python -m grafana``: write the dashboards' JSON anew."""

from grafana.written import FOLDER, texts


def main() -> None:
    """Write every dashboard into FOLDER."""
    for name, text in texts().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
