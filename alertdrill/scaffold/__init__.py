"""Write the files of a new service or a new alert into the repository."""
