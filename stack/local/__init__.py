"""What the containers of compose.yaml run in the place of their images' own commands."""
