DROP TABLE workers, flow_runs, schedules;
