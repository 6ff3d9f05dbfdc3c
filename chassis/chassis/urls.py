"""Where the API is found below a host."""

BASE_PATH = "/api/v1"
