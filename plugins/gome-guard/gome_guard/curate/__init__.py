"""From incident reports to samples that can be trusted: the precision ladder, mined neighbours, clusters and parts."""
