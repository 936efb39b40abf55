"""Settings of hypothesis for every test below this folder: reproducible, no deadline."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "bitmason",
    deadline=None,
    max_examples=40,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search", settings.get_profile("bitmason"), derandomize=False, max_examples=400
)
settings.load_profile("bitmason")
