"""Will this flight arrive late? All flights that left New York City in 2013.

The prediction is made when the plane leaves the gate: the delay so far, the schedule, the hour's weather and the
plane are known; nothing measured later is used.
"""
