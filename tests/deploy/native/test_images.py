"""The Dockerfile as the native run reads it."""

from deploy.native.images import name_of, read_dockerfile


def test_the_last_stage_counts(tmp_path):
    file = tmp_path / "Dockerfile"
    file.write_text(
        "FROM base AS first\nCOPY all /all\nENV X=1\n"
        "FROM base\nENV PATH=/p:$PATH PYTHONPATH=/app \\\n A=b\nCOPY --from=first /all /all\n"
        "COPY service /app/service\nCOPY one two /app/some/\nWORKDIR /data\n"
    )
    ours = read_dockerfile(file)
    assert ours.copies == {"service": "/app/service", "one": "/app/some/one", "two": "/app/some/two"}
    assert ours.environment == {"PYTHONPATH": "/app", "A": "b"}
    assert ours.folder == "/data"


def test_an_image_s_name_is_without_its_tag():
    assert name_of("grafana/loki:3.7.6") == "grafana/loki"
