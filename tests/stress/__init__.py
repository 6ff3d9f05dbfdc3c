"""Many clients at once do everything that a clinic does, and an independent checker looks at what came of it.

    make stress                       100,000 operations, on a suite of its own
    make stress OPERATIONS=20000 SEED=7

`load` sends requests to the gateway and notes each answer. `ledger` is what it noted. `checker` reads the database
itself and the announcements on the broker, and knows the rules from the product's contract, not from the suite's code.
"""
