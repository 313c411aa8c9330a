"""What a picture is asked to show."""
