"""Everything on one machine, to try gridwatch out: `gridwatch up` and `gridwatch demo`. Never how it runs for a town."""
