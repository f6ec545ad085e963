"""The one file of promises: what a service is asked, what it must answer, and within which bounds."""
