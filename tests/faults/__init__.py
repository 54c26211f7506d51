"""What must never happen, made to happen.

| fault | shown by |
|---|---|
| kill -9 at each named point | `test_kill_points.py`; the whole service with the marker `soak` |
| kill -9 at random under load | `integration/test_story.py` (20 times with `soak`) |
| a power cut under `transact` | `test_power_cut.py` (200 cuts with `soak`) |
| PostgreSQL stopped at once and started | `test_postgres_stops.py` |
| a full disk, a locked file | `integration/test_transact.py` |
| a platform that refuses, resets, is slow | `integration/delivery/test_sender.py` |
| a process that sends dies, another goes on | `integration/delivery/test_sender.py` |
| deliveries three times, shuffled | `integration/test_receive.py` |
| 64 first messages at once, three times each | `test_crowds.py` (40 customers with `soak`) |
| a clock that jumps by minutes or a day | `test_clock.py` |
| a web client that never reads, or vanishes | `test_slow_client.py` |
| a poison message | `test_poison.py` |
| a backup under load, restored elsewhere | `integration/test_backup.py` |
| a restore killed midway | `integration/test_backup.py` |
| a migration killed midway | `test_migration_killed.py` |
"""
