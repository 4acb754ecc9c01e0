from alertdrill.runtimes.native.processes import Process, RenderContext, url


def test_number_is_the_end_of_the_name() -> None:
    process = Process("data-service-12", "data-service", [], 1, "")
    assert (process.number, process.address) == (12, "127.0.0.1:1")


def test_url_has_the_components_port(render_context: RenderContext) -> None:
    assert render_context.url("node_exporter") == "http://127.0.0.1:9100"
    assert url(5) == "http://127.0.0.1:5"
