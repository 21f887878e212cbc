from ratio import ratio

from leadsman_plugin import testing

# The fixtures of the shipped plugin, of which this is a port.
test_fixtures = testing.fixtures(ratio, "../../../../plugins/ratio/fixtures")
