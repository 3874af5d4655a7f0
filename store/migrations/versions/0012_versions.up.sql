-- A second tracking store numbers versions from 1: without this, two trainings could be recorded as no_show/1.
CREATE UNIQUE INDEX ux_model_ledger_trained ON model_ledger (name, version) WHERE action = 'candidate';
