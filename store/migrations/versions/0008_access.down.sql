DROP TABLE rate_limits;
DROP TABLE audit;
DROP TABLE api_keys;
