"""What is installed: `make install`, and what the Debian package says of itself."""

import os
import tomllib
from pathlib import Path

from .launch import MODEL, ROOT, run

MANIFEST = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]
DEB = MANIFEST["metadata"]["deb"]


def test_install_and_uninstall(tmp_path: Path) -> None:
    """The plugin lands where PREFIX and DESTDIR say, is found there, and leaves no trace."""
    words = ["PREFIX=/opt/art", f"DESTDIR={tmp_path}"]
    done = run("make", "install", *words)
    assert done.status == 0, done.output
    (plugin,) = tmp_path.rglob("*.so")
    assert plugin.parent.name == "gstreamer-1.0"
    assert plugin.is_relative_to(tmp_path / "opt/art/lib")
    env = {**os.environ, "GST_PLUGIN_PATH": str(plugin.parent), "GST_REGISTRY": f"{tmp_path}/r"}
    told = run("gst-inspect-1.0", "artclassify", env=env)
    assert str(plugin) in told.output
    done = run("make", "uninstall", *words)
    assert done.status == 0 and not plugin.exists(), done.output


def test_where_the_plugin_goes() -> None:
    """For root and packagers into the system's folder, for others into their own."""

    def goes(*words: str) -> str:
        return run("make", "--dry-run", "uninstall", *words).output.split('"')[1]

    system = run("pkg-config", "--variable=pluginsdir", "gstreamer-1.0").output.strip()
    name = "libgstartclassify.so"
    assert goes("DESTDIR=/pack") == f"/pack{system}/{name}"
    own = Path.home() / ".local/share/gstreamer-1.0/plugins"
    assert goes() == f"{system if os.getuid() == 0 else own}/{name}"
    assert goes("PLUGIN_FOLDER=/a/b") == f"/a/b/{name}"


def test_the_package_has_files_for_its_assets() -> None:
    """Every asset but the plugin is a file that git knows, and the shipped model is whole."""
    tracked = set(run("git", "ls-files").output.splitlines())
    packed: dict[str, str] = {}
    for source, destination, mode in DEB["assets"]:
        if source.startswith("target/release/"):
            assert Path(source).name == "libgstartclassify.so"
            assert destination == "usr/lib/gstreamer-1.0/libgstartclassify.so"
            continue
        found = [str(path.relative_to(ROOT)) for path in ROOT.glob(source) if path.is_file()]
        assert found and set(found) <= tracked, (source, set(found) - tracked)
        assert (mode == "755") == source.endswith((".sh", ".py"))
        packed.update(dict.fromkeys(found, destination))
    assert {str(path.relative_to(ROOT)) for path in MODEL.iterdir()} <= set(packed)
    assert {"README.md", "NOTICE.md", "LICENSE-APACHE", "docs/metadata.md"} <= set(packed)
    assert (ROOT / DEB["license-file"][0]).exists()


def test_the_package_is_that_of_the_readme() -> None:
    """Names and paths that the README tells."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"apt install ./{DEB['name']}_*.deb" in readme
    for folder in ("models/synthdive48-art", "media/synthdive-stream.mp4", "pipelines/annotate.sh"):
        assert f"/usr/share/artclassify/{folder}" in readme
    (runtime,) = [word for word in DEB["recommends"].split(", ") if "onnxruntime" in word]
    assert runtime.split(" | ")[0] in readme
