from rollcall.lab import dockerfile

KNOWN = {"nginx:1.30", "hashicorp/consul-template:0.42.1"}
TEXT = """\
FROM hashicorp/consul-template:0.42.1 AS consul-template
FROM --platform=linux/amd64 nginx:1.30
COPY --from=consul-template /bin/consul-template /bin/
COPY --from=hashicorp/consul-template:0.42.1 /a /b
RUN echo nginx:1.30
"""


def test_parents_are_the_images_it_starts_or_copies_from() -> None:
    assert dockerfile.parents(TEXT, KNOWN) == [
        "hashicorp/consul-template:0.42.1",
        "nginx:1.30",
        "hashicorp/consul-template:0.42.1",
    ]


def test_only_references_to_the_labs_images_get_their_local_name() -> None:
    assert dockerfile.localised(TEXT, KNOWN).splitlines() == [
        "FROM rollcall-lab/hashicorp/consul-template:0.42.1 AS consul-template",
        "FROM --platform=linux/amd64 rollcall-lab/nginx:1.30",
        "COPY --from=consul-template /bin/consul-template /bin/",
        "COPY --from=rollcall-lab/hashicorp/consul-template:0.42.1 /a /b",
        "RUN echo nginx:1.30",
    ]


def test_an_image_given_as_the_default_of_an_argument_counts_too() -> None:
    assert dockerfile.localised("ARG BASE=nginx:1.30", KNOWN) == "ARG BASE=rollcall-lab/nginx:1.30\n"


def test_an_image_that_is_not_the_labs_stays() -> None:
    assert dockerfile.localised("FROM nginx:1.29", KNOWN) == "FROM nginx:1.29\n"
