"""Watches the queue and the database, beside the worker and in its image.

Of the worker it uses what belongs to both: how the queue and the database are reached (`access`), the
queue's names (`stream`), ranges of numbers (`account`), the end of the process (`signals`), the way out of a
frozen server (`watchdog`), how metrics are served (`exporter`), and the copies that every service has
(`environment`, `logs`).
"""
