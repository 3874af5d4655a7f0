DROP INDEX ux_model_ledger_trained;
