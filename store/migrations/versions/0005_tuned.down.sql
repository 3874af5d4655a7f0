DROP TABLE tuned_params;
