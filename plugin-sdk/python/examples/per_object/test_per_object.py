from per_object import per_object

from leadsman_plugin import testing

# The fixtures of the shipped plugin, of which this is a port.
test_fixtures = testing.fixtures(per_object, "../../../../plugins/per-object/fixtures")
