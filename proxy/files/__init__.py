"""Files that people bring and take: reading them safely, proving a text ours, exporting and labelling it."""
