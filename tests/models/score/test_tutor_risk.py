from models.train.training import Training


def test_the_tutors_own_risk_comes_with_the_no_show_model(trained: Training) -> None:
    assert trained.model.sidecar.tutor_calibration is not None
    assert trained.evaluation.tutor_figures["roc_auc"].value > 0.6
