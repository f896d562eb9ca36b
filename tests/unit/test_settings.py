"""Settings: the file lists the defaults, and a mistake is named with the way out."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from deepalpha.config import Settings, Workspace
from deepalpha.decision import DecisionConfig
from deepalpha.errors import ConfigError, StoreError


def test_the_file_of_defaults_lists_every_setting_with_its_default() -> None:
    assert Settings.default() == Settings()
    listed = yaml.safe_load(resources.files("deepalpha.config").joinpath("default.yaml").read_text(encoding="utf-8"))
    for name, field in Settings.model_fields.items():
        assert name in listed
        if isinstance(field.default, BaseModel):
            assert set(listed[name]) == set(type(field.default).model_fields)


def test_the_decision_settings_fit_the_decision_engine() -> None:
    assert DecisionConfig(**Settings().decision.model_dump()) == DecisionConfig()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("risk: {max_exposur: 1}", "did you mean max_exposure"),
        ("risk: {max_exposure: 2}", "risk.max_exposure = 2"),
        ("approval: maybe", "approve"),
        ("nonsense: 1", "known keys"),
        ("[1, 2]", "must be a mapping"),
        ("a: [", "not YAML"),
        ("symbols: []", "symbols"),
        ("account: {cash: -1}", "account.cash = -1"),
        ("account: {cash: .nan}", "account.cash"),
        ("replay: {bars_per_second: .inf}", "bars_per_second"),
    ],
)
def test_a_mistake_is_named_with_the_way_out(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="(?s)" + said.replace("[", r"\[")):
        Settings.from_text(text)


def test_a_missing_file_and_an_unwritable_place_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml"):
        Settings.from_file(tmp_path / "no.yaml")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="--workspace DIR"):
        Workspace(tmp_path / "file" / "ws")


def test_the_workspace_comes_from_the_argument_else_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPALPHA_WORKSPACE", str(tmp_path / "environment"))
    assert Workspace().root == tmp_path / "environment"
    assert Workspace(tmp_path / "argument").root == tmp_path / "argument"
