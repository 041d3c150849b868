@assignments@@path@ || echo "the hook @name@ failed: $?"
