"""The dated page of the suite's run is written from a folder of cells, a suite's own table included."""

from __future__ import annotations

import re

from benchmarks.suite import main


def test_the_page_of_a_folder(tmp_path, made_up, capsys):
    lesions, work = "camelyon_semisynthetic", tmp_path / "work"
    skills = {"abmil": 0.6, "gin": 1.2, "gin+shuffled": 0.6}
    cells = made_up.cells(lesions, skills, synthetic=True) + made_up.cells("glands", skills)
    look = {"slide_id": "s0a", "label": "b", "places": [[0.0, 0.0], [1.0, 2.0]], "attention": [0.2, 0.8]}
    seen = [*cells, *made_up.cells("clustering_1.0", skills, synthetic=True)]
    seen += made_up.cells("her2st", skills, patients=24)
    made_up.write(work, [{**cell, "looks": [look]} for cell in seen])
    slides = sorted({row["slide_id"] for cell in cells for row in cell["rows"]})
    truth = work / "data" / "camelyon" / lesions / "truth.csv"
    truth.parent.mkdir(parents=True)
    sizes = [f"{slide},{1 + place % 5}" for place, slide in enumerate(slides)]
    truth.write_text("slide_id,lesion_patches\n" + "\n".join(sizes) + "\n")

    main(["--work", str(work), "--out", str(tmp_path / "results"), "--resamples", "50"])
    (folder,) = (tmp_path / "results").iterdir()
    assert re.fullmatch(r"suite_\d{4}-\d\d-\d\d", folder.name)
    assert capsys.readouterr().out.strip() == str(folder / "report.md")
    page = (folder / "report.md").read_text(encoding="utf-8").replace("\\", "")
    for name in ("glands", f"{lesions} (synthetic)"):
        assert re.search(rf"^\| {re.escape(name)} \| ", page, flags=re.M), name
    assert f"{lesions}: lesions found, by patches in the lesion" in page
    assert "glands: lesions found" not in page
    assert "her2st: AUC inside each patient" in page
    linked = re.findall(r"\((pictures/[^)]+)\)", page)
    assert linked
    assert all((folder / one).is_file() for one in linked)
    assert str(tmp_path) not in page
    assert not list(folder.glob("*.html"))
    looks = [file.name for file in folder.rglob("looks-*")]
    assert looks == ["looks-clustering_1.0.png"], "pictures of true tissue are not published"
