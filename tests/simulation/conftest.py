def pytest_addoption(parser):
    parser.addoption("--seed", type=int, help="play this scenario of the simulation alone")
