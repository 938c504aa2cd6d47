"""Images to train on, each set with the name of its binarisation, which every number that is reported carries along.

    from lab.data import load

    images = load("digits")                      # inside scikit-learn, nothing to download
    images = load("mnist", "dynamic")            # from DLVM_DATA or a cache, downloaded if it is nowhere
    print(images.name)                           # MNIST, dynamic binarisation
    for x in images.train.batches(128, generator):
        ...                                      # [128, 784], zeros and ones

`digits.py`, `mnist.py` and `static.py` read one source each, `images.py` is what they give, `load.py` chooses.
"""

from lab.data.files import DataProblem
from lab.data.images import BINARISATIONS, Images, Rows, Split
from lab.data.load import SOURCES, load

__all__ = ["BINARISATIONS", "SOURCES", "DataProblem", "Images", "Rows", "Split", "load"]
