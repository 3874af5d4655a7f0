"""MLflow: one run per training, with its model as a registered version."""

from gateways.registry.connection import ALIASES as ALIASES
from gateways.registry.connection import RegisteredVersion as RegisteredVersion
from gateways.registry.connection import prepare as prepare
from gateways.registry.runs import Trained as Trained
from gateways.registry.runs import metrics as metrics
from gateways.registry.runs import register as register
from gateways.registry.table import runs_path as runs_path
from gateways.registry.trials import log_trials as log_trials
from gateways.registry.versions import attach as attach
from gateways.registry.versions import discard as discard
from gateways.registry.versions import settle as settle
