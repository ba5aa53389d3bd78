module Shop
