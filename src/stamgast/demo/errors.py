"""What the demo refuses."""

from stamgast.kit.errors import StamgastError


class DemoDataMissing(StamgastError):
    """The package with the data is not installed."""

    code = "demo_data_missing"


class NotTheDemo(StamgastError):
    """The data folder holds something else than the demo, which must not be mixed with it."""

    code = "not_the_demo"
