print('something else')
