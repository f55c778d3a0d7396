PASSWORD = "a-stool-at-the-bar-7"
