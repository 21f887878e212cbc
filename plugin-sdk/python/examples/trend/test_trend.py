from trend import trend

from leadsman_plugin import testing

test_fixtures = testing.fixtures(trend, "fixtures")
