"""Every feature: a function named as its column, from a `Past` to one value a query, NaN where there is none.

One file a theme; all columns are reached from here.
"""

# ruff: noqa: F403 - a column is written down once, in its file, and not a second time here
from features.columns.activity import *
from features.columns.feature import Feature, feature
from features.columns.messages import *
from features.columns.no_shows import *
from features.columns.reschedules import *
from features.columns.session import *

__all__ = ["Feature", "feature"]
