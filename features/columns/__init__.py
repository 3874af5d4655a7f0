"""Features: one function for each column, from a `Past` to a value for each query, NaN where there is none."""

# ruff: noqa: F403 - a column is named once, in its file
from features.columns.activity import *
from features.columns.feature import Feature, feature
from features.columns.messages import *
from features.columns.no_shows import *
from features.columns.quality import *
from features.columns.reschedules import *
from features.columns.session import *

__all__ = ["Feature", "feature"]
