"""A plugin whose dependency is not installed, as it happens."""

import a_package_that_nobody_has  # noqa: F401
