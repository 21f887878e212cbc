from leadsman_plugin import testing

from plugin import evaluate

# Each file of the folder is a test of its own: what was answered, and what must come of it.
test_fixtures = testing.fixtures(evaluate, "fixtures")
