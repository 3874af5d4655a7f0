"""Lines that count as errors in the log of a service."""

import pytest

from tests.lib.error_lines import error_lines


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-30 22:51:04,582 ERROR tutor_quality.worker event 3 failed",
        "CRITICAL:root:no room",
        "22:50:01.123 | ERROR   | prefect.server.services.scheduler - Can't evaluate bulk DML statement",
        "2026-11-30T22:50:01+0000 [ERROR] [entry_service:tutor_quality:1] Exception on /api/tutors",
        "ERROR:    Application startup failed. Exiting.",
        "Traceback (most recent call last):",
        "  | Traceback (most recent call last):",
        '2026-11-30 22:50:10.699 UTC [388] ERROR:  duplicate key value violates unique constraint "metric_pk"',
        "2026-11-30 22:50:10.699 UTC [388] FATAL:  the database system is starting up",
        "2026-11-30 22:50:10.699 UTC [388] PANIC:  could not write to file",
    ],
)
def test_a_line_that_reports_an_error_is_found(line: str) -> None:
    assert error_lines([line]) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-30 22:51:04,582 WARNING tutor_quality.worker no error so far",
        "2026-11-30 22:51:04,582 INFO tutor_quality.worker 0 errors",
        "22:50:01.123 | WARNING | prefect - retried after error 503",
        "2026-11-30 22:49:17.954 UTC [32110] LOG:  listening on IPv4 address",
    ],
)
def test_a_line_that_reports_none_is_passed_over(line: str) -> None:
    assert error_lines([line]) == []
