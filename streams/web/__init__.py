"""What people look at: health, JSON views and the live page, served by every worker."""
