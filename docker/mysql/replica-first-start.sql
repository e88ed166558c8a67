-- Run once by the image, when a replica's data directory has been made and before it listens on the network.
-- What its own set-up wrote is no transaction of the primary's; left in, it would count as diverged.
RESET BINARY LOGS AND GTIDS;
-- Not even an administrator writes here by mistake. Kept beside the data, over restarts and clones.
SET PERSIST super_read_only = ON;
