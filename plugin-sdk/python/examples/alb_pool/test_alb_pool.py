from alb_pool import alb_pool

from leadsman_plugin import testing

# The fixtures of the shipped plugin, of which this is a port.
test_fixtures = testing.fixtures(alb_pool, "../../../../plugins/alb-pool/fixtures")
