"""Stories: small pieces of life, each of which plans its records and notes what must follow from them."""
