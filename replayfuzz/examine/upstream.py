"""What the upstream says in a scenario, as an exchange."""

from __future__ import annotations

from pathlib import Path

from replayfuzz import store
from replayfuzz.cassette import Exchange
from replayfuzz.errors import ScenarioError
from replayfuzz.mock import exchange as mock_exchange
from replayfuzz.scenarios import Scenario, canned_exchange


def answer(scenario: Scenario) -> Exchange:
    """The exchange that *scenario* names, over HTTP/1.1.

    Raises:
        ScenarioError: It names a cassette that is not there, or a file that holds several.
        CassetteError, StoreError: The file cannot be read.
    """
    if scenario.canned is not None:
        return canned_exchange(scenario.canned, scenario.name)
    if scenario.cassette:
        return _recorded(scenario)
    return mock_exchange(scenario.pattern)


def _recorded(scenario: Scenario) -> Exchange:
    name = scenario.cassette
    where = f"{scenario.source}: scenario {scenario.name!r}"
    found = [item for item in store.shipped() if item.name == name]
    if not found:
        file = Path(scenario.source).parent / name
        if not file.is_file():
            raise ScenarioError(
                f"{where}: there is no cassette {name!r}, neither shipped "
                f"(`replayfuzz list cassettes`) nor at {file}"
            )
        found = list(store.load([file]))
    if len(found) != 1:
        raise ScenarioError(
            f"{where}: {name} holds {len(found)} exchanges, and a scenario has one; split it"
        )
    return found[0]
