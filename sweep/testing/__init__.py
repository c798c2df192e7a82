"""The contracts of parts as tests, for authors of plugins: `pytest --pyargs sweep.testing --plugin my_parts.py`.

Each part is tried with its defaults and with every choice of its settings. A failure says what the part does and which
guarantee of the harness it would break. The same contracts are tried, with the settings of a study, by `sweep plan`.
This runs the code of the plugin: read one of somebody else's before.
"""

from __future__ import annotations
